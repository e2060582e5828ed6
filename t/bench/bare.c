/* bare MODE: a FastCGI program that does a request's input and output and nothing else; what
 * ours is measured against (scripts/bench). No checks, no token, no log, no metrics.
 *
 *   empty    a fixed reply
 *   select   one prepared SELECT of a seat (the number at the end of the path)
 *   script   one EVALSHA of a trivial script
 *   hold     one EVALSHA and one durable single-statement write
 *   writes   two durable single-statement writes
 *
 * BARE_DATABASE is a libpq connection string, BARE_REDIS the path of a socket. */
#include <fcgiapp.h>
#include <hiredis/hiredis.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static PGconn *database;
static redisContext *redis;
static char script[41];
static long counter;

static void give_up(const char *what)
{
	fprintf(stderr, "bare: %s\n", what);
	exit(1);
}

static void prepare(const char *name, const char *sql)
{
	PGresult *result = PQprepare(database, name, sql, 0, NULL);
	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		give_up(PQerrorMessage(database));
	PQclear(result);
}

static void connect_database(void)
{
	const char *url = getenv("BARE_DATABASE");
	database = PQconnectdb(url ? url : "");
	if (PQstatus(database) != CONNECTION_OK)
		give_up(PQerrorMessage(database));
	prepare("seat", "select id, concert_id, seat_number, state, held_until"
			" from cm.seat where id = $1::bigint");
	prepare("hold", "insert into bench.hold (seat_id, note) values ($1::bigint, 'held')");
}

static void connect_redis(void)
{
	const char *path = getenv("BARE_REDIS");
	redis = redisConnectUnix(path ? path : "");
	if (!redis || redis->err)
		give_up("no Redis");
	redisReply *reply = redisCommand(redis, "SCRIPT LOAD %s",
					 "return redis.call('set', KEYS[1], ARGV[1], 'px', 1000)");
	if (!reply || reply->type != REDIS_REPLY_STRING)
		give_up("no script");
	snprintf(script, sizeof(script), "%s", reply->str);
	freeReplyObject(reply);
}

static bool run_script(void)
{
	redisReply *reply = redisCommand(redis, "EVALSHA %s 1 bench:%ld %ld", script,
					 counter % 1000, counter);
	bool good = reply && reply->type == REDIS_REPLY_STATUS;
	if (reply)
		freeReplyObject(reply);
	return good;
}

static bool run_statement(const char *name, const char *id, char *ret_text, size_t size)
{
	PGresult *result = PQexecPrepared(database, name, 1, &id, NULL, NULL, 0);
	ExecStatusType status = PQresultStatus(result);
	bool good = status == PGRES_COMMAND_OK || (status == PGRES_TUPLES_OK && PQntuples(result));
	if (good && status == PGRES_TUPLES_OK)
		snprintf(ret_text, size,
			 "{\"id\":%s,\"concertId\":%s,\"seatNumber\":\"%s\",\"status\":\"%s\"}",
			 PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1),
			 PQgetvalue(result, 0, 2), PQgetvalue(result, 0, 3));
	PQclear(result);
	return good;
}

static bool work(const char *mode, const char *path, char *ret_text, size_t size)
{
	char id[24];
	const char *slash = path ? strrchr(path, '/') : NULL;
	counter++;
	snprintf(ret_text, size, "{\"id\":%ld,\"status\":\"PENDING\",\"amount\":100000}", counter);
	snprintf(id, sizeof(id), "%ld", counter);
	if (!strcmp(mode, "select"))
		return run_statement("seat", slash ? slash + 1 : "", ret_text, size);
	if (!strcmp(mode, "script"))
		return run_script();
	if (!strcmp(mode, "hold"))
		return run_script() && run_statement("hold", id, ret_text, size);
	if (!strcmp(mode, "writes"))
		return run_statement("hold", id, ret_text, size) &&
		       run_statement("hold", id, ret_text, size);
	return true;
}

int main(int argc, char **argv)
{
	FCGX_Request request;
	char body[16384], text[512];
	const char *mode = argc > 1 ? argv[1] : "empty";
	if (strcmp(mode, "empty") != 0) {
		connect_database();
		connect_redis();
	}
	FCGX_Init();
	FCGX_InitRequest(&request, 0, 0);
	while (FCGX_Accept_r(&request) >= 0) {
		FCGX_GetStr(body, sizeof(body), request.in);
		bool good = work(mode, FCGX_GetParam("DOCUMENT_URI", request.envp), text,
				 sizeof(text));
		FCGX_FPrintF(request.out,
			     "Status: %s\r\nContent-Type: application/json\r\n"
			     "Content-Length: %d\r\n\r\n%s",
			     good ? "200 OK" : "500 Internal Server Error", (int)strlen(text), text);
		FCGX_Finish_r(&request);
	}
	return 0;
}

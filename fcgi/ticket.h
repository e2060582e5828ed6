/* Rows of the member pool: tickets. */
#ifndef CM_FCGI_TICKET_H
#define CM_FCGI_TICKET_H

#include "http/route.h"

handler ticket_list_get, ticket_one_get, ticket_qr_get, ticket_check_in_post;

#define TICKET_ROUTES                                                                      \
	{ METHOD_GET, "/ticket", GUARD_MEMBER, ticket_list_get },                          \
	{ METHOD_GET, "/ticket/{id}", GUARD_MEMBER, ticket_one_get },                      \
	{ METHOD_GET, "/ticket/{id}/qr", GUARD_MEMBER, ticket_qr_get },                    \
	{ METHOD_POST, "/ticket/check-in", GUARD_MEMBER | GUARD_ADMIN, ticket_check_in_post }

#endif

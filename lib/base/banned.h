/* Functions that invite overruns, hidden state or surprise; using one is a compile error.
 * Included last by every .c file. */
#ifndef CM_BASE_BANNED_H
#define CM_BASE_BANNED_H

#define CM_BANNED(name) sorry_##name##_is_a_banned_function

#undef strcpy
#define strcpy(...) CM_BANNED(strcpy)
#undef strcat
#define strcat(...) CM_BANNED(strcat)
#undef strncpy
#define strncpy(...) CM_BANNED(strncpy)
#undef strncat
#define strncat(...) CM_BANNED(strncat)
#undef sprintf
#define sprintf(...) CM_BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) CM_BANNED(vsprintf)
#undef strtok
#define strtok(...) CM_BANNED(strtok)
#undef gmtime
#define gmtime(...) CM_BANNED(gmtime)
#undef localtime
#define localtime(...) CM_BANNED(localtime)
#undef ctime
#define ctime(...) CM_BANNED(ctime)
#undef asctime
#define asctime(...) CM_BANNED(asctime)
#undef atoi
#define atoi(...) CM_BANNED(atoi)
#undef atol
#define atol(...) CM_BANNED(atol)
#undef atof
#define atof(...) CM_BANNED(atof)
#undef rand
#define rand(...) CM_BANNED(rand)
#undef gets
#define gets(...) CM_BANNED(gets)
#undef alloca
#define alloca(...) CM_BANNED(alloca)

#endif

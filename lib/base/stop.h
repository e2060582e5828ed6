/* Whether this process was told to end, for those who wait long in the middle of a step and can
 * leave off. The signal stays pending, for the loop around. */
#ifndef CM_BASE_STOP_H
#define CM_BASE_STOP_H

#include <stdbool.h>

/* Always false where SIGTERM, SIGINT and SIGHUP aren't blocked: then they need no asking. */
bool stop_asked(void);

#endif

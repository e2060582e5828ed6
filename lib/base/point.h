/* Places where a test may kill the process: POINT("name") does nothing unless the build was
 * configured with --enable-points and CM_POINT names it: "name", "name:3" for its third passing,
 * "*:7" for the seventh of any, "?:9" for each with a chance of one in nine, "@FOLDER" for each
 * whose name is a file there, which is taken away: one death a file. Each death is a line of the
 * file CM_POINT_LOG names: point, program, process. Never in a package. */
#ifndef CM_BASE_POINT_H
#define CM_BASE_POINT_H

#include "config.h"

#ifdef CM_POINTS
void point_reached(const char *name);
#define POINT(name) point_reached(name)
#else
#define POINT(name) ((void)0)
#endif

#endif

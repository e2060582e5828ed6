/* Rows of the member pool: notices. */
#ifndef CM_FCGI_NOTIFICATION_H
#define CM_FCGI_NOTIFICATION_H

#include "http/route.h"

handler notification_list_get, notification_settings_show, notification_settings_patch;

#define NOTIFICATION_ROUTES                                                                \
	{ METHOD_GET, "/notification", GUARD_MEMBER, notification_list_get },              \
	{ METHOD_GET, "/notification/settings", GUARD_MEMBER, notification_settings_show }, \
	{ METHOD_PATCH, "/notification/settings", GUARD_MEMBER, notification_settings_patch }

#endif

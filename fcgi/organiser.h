/* Handlers of pool concert beside the list: seat map, and the organiser's side. */
#ifndef CM_FCGI_ORGANISER_H
#define CM_FCGI_ORGANISER_H

#include "http/route.h"

handler organiser_change, organiser_cancel, organiser_block, organiser_report, organiser_export;
handler seat_map_show, seat_states_show;

#endif

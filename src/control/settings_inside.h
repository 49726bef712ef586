/*
 * settings_inside: what the files of settings share.
 */
#ifndef CONTROL_SETTINGS_INSIDE_H
#define CONTROL_SETTINGS_INSIDE_H

#include "control/settings.h"

extern const struct field_table admin_table; /* admin is off or this */

/* Of settings that are complete. */
void settings_check(const struct settings *settings, struct report *report);

#endif

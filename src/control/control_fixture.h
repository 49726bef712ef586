/*
 * control_fixture: directories, files and settings for the tests of control.
 */
#ifndef CONTROL_CONTROL_FIXTURE_H
#define CONTROL_CONTROL_FIXTURE_H

#include "control/mailbox.h"
#include "control/settings.h"

/* A directory of its own, removed by control_drop. */
struct control_fixture {
    char directory[64];
    struct arena arena;
    struct findings findings;
    struct settings settings;
};

void control_make(struct control_fixture *fixture);
void control_drop(struct control_fixture *fixture);
/* directory/name, in the arena. */
const char *control_path(struct control_fixture *fixture, const char *name);
/* Directories in the name are made. */
void control_write(struct control_fixture *fixture, const char *name, const char *content);
/* `more` is added to selvage.yaml, in which $ stands for the directory; rules are in rules/, state in state/.
 */
void control_settings(struct control_fixture *fixture, const char *more);
/* The next letter within five seconds, or the test fails. */
struct letter *control_letter(struct mailbox *mailbox);

#endif

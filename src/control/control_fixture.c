#include "base/test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "control/control_fixture.h"
#include "control/state_file.h"

void control_make(struct control_fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    snprintf(fixture->directory, sizeof fixture->directory, "/tmp/selvage-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    arena_init(&fixture->arena);
    findings_init(&fixture->findings, &fixture->arena);
}

static int entry_remove(const char *path, const struct stat *stat, int type, struct FTW *where)
{
    (void)stat, (void)type, (void)where;
    return remove(path);
}

void control_drop(struct control_fixture *fixture)
{
    nftw(fixture->directory, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
    arena_done(&fixture->arena);
}

const char *control_path(struct control_fixture *fixture, const char *name)
{
    return path_join(&fixture->arena, bytes_of(fixture->directory), name);
}

void control_write(struct control_fixture *fixture, const char *name, const char *content)
{
    const char *path = control_path(fixture, name);
    struct bytes above = bytes_of(path);
    struct fail why;
    above.len = bytes_find_last(above, '/');
    assert_true(directory_make(arena_text(&fixture->arena, above), 0755, &why));
    assert_true(file_replace(path, bytes_of(content), 0644, &why));
}

void control_settings(struct control_fixture *fixture, const char *more)
{
    struct text text;
    text_init_arena(&text, &fixture->arena);
    text_format(&text, "node: test-1\nrole: gateway\nrules: %s/rules\nstate: %s/state\n", fixture->directory,
                fixture->directory);
    for (const char *at = more; *at; at++)
        if (*at == '$')
            text_add_s(&text, fixture->directory);
        else
            text_add_c(&text, *at);
    struct fail why;
    assert_true(directory_make(control_path(fixture, "state"), 0755, &why));
    assert_true(directory_make(control_path(fixture, "rules"), 0755, &why));
    bool read = settings_read(text_bytes(&text), "selvage.yaml", &fixture->findings, &fixture->settings);
    if (!read && fixture->findings.count)
        print_message("%.*s\n", BYTES_FMT(fixture->findings.at[0].sentence));
    assert_true(read);
}

struct letter *control_letter(struct mailbox *mailbox)
{
    assert_true(mailbox_wait(mailbox, 5000));
    struct letter *letter = mailbox_take(mailbox);
    assert_non_null(letter);
    return letter;
}

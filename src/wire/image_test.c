#include "base/test.h"

#include <stdlib.h>

#include "wire/image_build.h"

enum { T_ROOT, T_ITEM, T_COUNT };

struct item {
    struct image_text name;
    uint32_t colour; /* below 3 */
    uint32_t friend; /* row of T_ITEM */
};

struct root {
    struct image_rows items;
};

static const struct image_column root_columns[] = {{offsetof(struct root, items), IMAGE_ROWS, T_ITEM}};
static const struct image_column item_columns[] = {
    {offsetof(struct item, name), IMAGE_TEXT, 0},
    {offsetof(struct item, colour), IMAGE_CHOICE, 3},
    {offsetof(struct item, friend), IMAGE_INDEX, T_ITEM},
};
static const struct image_table tables[] = {
    [T_ROOT] = {sizeof(struct root), 1, root_columns, 1},
    [T_ITEM] = {sizeof(struct item), 3, item_columns, 0},
};
static const struct image_schema schema = {IMAGE_KEYS, T_COUNT, tables};
static const unsigned char revision[32] = {1, 2, 3};

static struct image_head *build(size_t *size)
{
    struct image_build build;
    image_build_init(&build, &schema);
    struct item items[] = {
        {image_build_text(&build, BYTES("one")), 0, 1},
        {image_build_text(&build, BYTES("two")), 2, 0},
        {image_build_text(&build, BYTES("one")), 1, 2},
    };
    struct root root = {image_build_rows(&build, T_ITEM, items, 3)};
    image_build_rows(&build, T_ROOT, &root, 1);
    struct image_head *head = image_build_finish(&build, 9, revision, size);
    image_build_done(&build);
    return head;
}

static void what_was_built_can_be_read(void **state)
{
    (void)state;
    struct image image;
    struct fail why;
    size_t size, seen = 0;
    struct image_head *head = build(&size);
    assert_true(image_open(head, size, &schema, &image, &why));
    assert_int_equal(head->generation, 9);
    assert_memory_equal(head->revision, revision, sizeof revision);
    const struct root *root = image_row(&image, T_ROOT, image_all(&image, T_ROOT), 0);
    static const char *const names[] = {"one", "two", "one"};
    IMAGE_FOR(&image, T_ITEM, struct item, item, root->items)
    {
        assert_true(bytes_equal(image_text(&image, item->name), bytes_of(names[seen])));
        seen++;
    }
    assert_int_equal(seen, 3);
    assert_int_equal(head->text_len, 6); /* equal texts lie there once */
    free(head);
}

static void a_loop_can_be_left(void **state)
{
    (void)state;
    struct image image;
    struct fail why;
    size_t size, seen = 0;
    struct image_head *head = build(&size);
    assert_true(image_open(head, size, &schema, &image, &why));
    IMAGE_FOR(&image, T_ITEM, struct item, item, image_all(&image, T_ITEM))
    {
        if (item->colour == 2)
            break;
        seen++;
    }
    assert_true(seen >= 1);
    free(head);
}

static struct item *item_of(struct image_head *head, uint32_t row)
{
    return (struct item *)(void *)((char *)head + head->tables[T_ITEM].at + row * sizeof(struct item));
}

static void spoil(struct image_head *head, size_t *size, int how)
{
    switch (how) {
    case 0:
        *size = sizeof *head - 1;
        return;
    case 1:
        head->magic[0] = 'X';
        return;
    case 2:
        head->format = 1;
        return;
    case 3:
        head->kind = IMAGE_RULES;
        return;
    case 4:
        *size -= 8;
        return;
    case 5:
        head->table_count = 1;
        return;
    case 6:
        head->text_len = UINT32_MAX;
        return;
    case 7:
        head->tables[T_ITEM].count = UINT32_MAX;
        return;
    case 8:
        head->tables[T_ITEM].at += 4;
        return;
    case 9:
        head->tables[T_ROOT].count = 0;
        return;
    case 10:
        item_of(head, 1)->name.at = 4;
        return;
    case 11:
        item_of(head, 1)->name.len = UINT32_MAX;
        return;
    case 12:
        item_of(head, 2)->colour = 3;
        return;
    case 13:
        item_of(head, 0)->friend = 3;
        return;
    case 14:
        ((struct image_rows *)(void *)((char *)head + head->tables[T_ROOT].at))->count = 4;
        return;
    default:
        return;
    }
}

static void what_points_outside_is_refused(void **state)
{
    (void)state;
    static const char *const sentences[] = {
        "image: this is none",
        "image: this is none",
        "image: format 1 kind 3 where format 2 kind 3 is wanted",
        "image: format 2 kind 1 where format 2 kind 3 is wanted",
        "image: it is cut off or of another shape",
        "image: it is cut off or of another shape",
        "image: the text lies outside",
        "image: table 1 lies outside",
        "image: table 1 lies outside",
        "image: table 0 has 0 rows, at least 1 are needed",
        "image: table 1 row 1 column 0 points outside",
        "image: table 1 row 1 column 0 points outside",
        "image: table 1 row 2 column 1 points outside",
        "image: table 1 row 0 column 2 points outside",
        "image: table 0 row 0 column 0 points outside",
    };
    for (size_t i = 0; i < ROWS(sentences); i++) {
        struct image image = {0};
        struct fail why;
        size_t size;
        struct image_head *head = build(&size);
        spoil(head, &size, (int)i);
        assert_false(image_open(head, size, &schema, &image, &why));
        assert_string_equal(why.text, sentences[i]);
        assert_null(image.head);
        free(head);
    }
}

static void an_empty_image_has_its_tables(void **state)
{
    (void)state;
    static const struct image_table none[] = {[0] = {8, 0, NULL, 0}};
    static const struct image_schema empty = {IMAGE_RULES, 1, none};
    struct image_build build;
    struct image image;
    struct fail why;
    size_t size;
    image_build_init(&build, &empty);
    assert_int_equal(image_build_text(&build, (struct bytes){0}).len, 0);
    assert_int_equal(image_build_rows(&build, 0, NULL, 0).count, 0);
    struct image_head *head = image_build_finish(&build, 1, revision, &size);
    assert_true(image_open(head, size, &empty, &image, &why));
    assert_int_equal(image_text(&image, (struct image_text){0, 0}).len, 0);
    free(head);
    image_build_done(&build);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_built_can_be_read),
        cmocka_unit_test(a_loop_can_be_left),
        cmocka_unit_test(what_points_outside_is_refused),
        cmocka_unit_test(an_empty_image_has_its_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* selvage: one program, many commands; see cli/ for what each does. */
#include <stdio.h>
#include <string.h>

#include "main/run.h"

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "run") == 0)
        return run_main(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], CONTROL_COMMAND) == 0)
        return control_process_main(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], WORKER_COMMAND) == 0)
        return worker_process_main(argc - 1, argv + 1);
    puts("selvage " SELVAGE_VERSION);
    return 0;
}

/* selvage: one program, many commands; see cli/ for what each does. */
#include <stdio.h>

int main(void)
{
    puts("selvage " SELVAGE_VERSION);
    return 0;
}

/* Inside cli/ only: memory of commands that compute with tensors. */
#ifndef EMOTRAIN_CLI_ALLOCATOR_H
#define EMOTRAIN_CLI_ALLOCATOR_H

/* Before anything large is allocated: what is freed stays with the process, for the next step. */
void keep_memory(void);

#endif

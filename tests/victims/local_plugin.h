/* What victims that load tests/victims/local_plugin.c find in it. */
#ifndef WEIR_TESTS_LOCAL_PLUGIN_H
#define WEIR_TESTS_LOCAL_PLUGIN_H

/* To be called once a thread: 0 when all data was as it should be. */
int plugin_use(void);

/* Frees a block of whoever calls. */
void plugin_free(void *block);

#endif

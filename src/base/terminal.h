/* What a terminal is shown: control characters in names of files, labels and speakers must not reach it,
 * where they move the cursor, colour, or rename its window. */
#ifndef EMOTRAIN_BASE_TERMINAL_H
#define EMOTRAIN_BASE_TERMINAL_H

/* From now on, standard output shows U+FFFD in the place of control characters other than line ends and tabs,
 * and of bytes that are no UTF-8.  Does nothing where it is no terminal: files and pipes get every byte. */
void terminal_protect(void);

#endif

#pragma once

#include <cstdio>
#include <string_view>

namespace upgate::app {

// Makes the process independent of the state of its standard streams; to be called first.
// Descriptors 0, 1 and 2, if closed, are opened on /dev/null, so that no socket gets their numbers
// and, with them, log lines. SIGPIPE is ignored: a reader that has gone is an error of the write.
void PrepareStandardStreams();

// Writes `text` to a stream. Errors are kept in the stream for FinishOutput; text for standard
// error is lost if it cannot be written.
void Print(std::FILE* stream, std::string_view text);

// Like Print, but waits at most one second for a slow reader; for output of a process that must go
// on, or end, in any case. `fd` is standard output or standard error.
void PrintPromptly(int fd, std::string_view text);

// Flushes standard output and returns the exit code for the process: 1 instead of 0 if some of the
// output could not be written. Reports the reason, unless the reader has gone.
int FinishOutput(int exit_code);

}  // namespace upgate::app

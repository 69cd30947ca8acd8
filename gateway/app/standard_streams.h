#pragma once

#include <cstdio>
#include <string_view>

namespace upgate::app {

// Makes the process safe from whatever its standard streams are connected to; the first thing to
// call. Descriptors 0, 1 and 2 that are closed are opened on /dev/null, so that no socket gets
// their numbers and log lines with them. SIGPIPE is ignored: a reader that has gone is an error of
// the write.
void PrepareStandardStreams();

// Writes `text` to a stream. Errors stay with the stream, for FinishOutput; what is said on
// standard error is lost when nobody can hear it.
void Print(std::FILE* stream, std::string_view text);

// As Print, but waits for a reader for a second at the most; for what goes on with its work, or its
// end, whether somebody reads or not. `fd` is standard output or standard error.
void PrintPromptly(int fd, std::string_view text);

// Writes out what standard output still holds and returns the exit code for the process: 1 in the
// place of 0 when some of the answer could not be written. Says why, unless the reader has gone.
int FinishOutput(int exit_code);

}  // namespace upgate::app

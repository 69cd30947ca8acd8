#pragma once

namespace upgate::app {

// Takes as many file descriptors as the system lets this process have (the hard RLIMIT_NOFILE): the
// usual soft limit of 1024 is for programs that use select(2), and ends at 500 sessions. Where that
// is refused, the limit stays as it is.
void RaiseFileLimit();

}  // namespace upgate::app

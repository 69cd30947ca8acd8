#pragma once

namespace upgate::app {

// Runs the command that the arguments of main() name, with its flags. Returns the exit code: 0
// success, 1 failure, 2 wrong usage. Once in a process: it prepares the standard streams.
int RunCommandLine(int argc, char** argv);

}  // namespace upgate::app

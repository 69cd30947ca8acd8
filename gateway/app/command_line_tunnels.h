#pragma once

namespace CLI {
class App;
}

namespace upgate::app {

// Adds the commands that carry bytes through WebSockets. `exit_code` gets that of the command which
// is run, and outlives the parsing.
void AddTunnelCommands(CLI::App& app, int& exit_code);

}  // namespace upgate::app

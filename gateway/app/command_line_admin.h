#pragma once

namespace CLI {
class App;
}

namespace upgate::app {

// The flags of the commands that speak to a gateway that runs; see admin_commands.h. `exit_code` is
// set when one of them has run, and outlives the app.
void AddAdminCommands(CLI::App& app, int& exit_code);

}  // namespace upgate::app

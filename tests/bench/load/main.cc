// The load generator: WebSocket clients, and the servers behind the gateway in the same loop. `load
// --help` lists the options; the result is one JSON object on standard output.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "tests/bench/backend/server_spec.h"
#include "tests/bench/load/broadcast_run.h"
#include "tests/bench/load/flood_run.h"
#include "tests/bench/load/flow_run.h"
#include "tests/bench/load/handshake_run.h"
#include "tests/bench/load/idle_run.h"
#include "tests/bench/load/plan.h"
#include "tests/bench/load/polite_run.h"
#include "tests/bench/load/steady_run.h"

namespace upgate::bench {
namespace {

struct Options {
  std::string mode;
  Plan plan;
  std::vector<std::string> servers;
  std::string ca;
  bool resume = false;
  bool stream = false;
  bool busy = false;
};

void DeclareFloods(CLI::App& app, Plan& plan) {
  app.add_option("--flood", plan.flood, "what a flood sends: empty, small, bombs, pings or http")
      ->capture_default_str();
  app.add_flag("--unread", plan.unread, "a flood does not read responses");
  app.add_flag("--resets", plan.resets, "a flood resets each connection after one block");
  app.add_option("--answer", plan.answer, "the polite client's answer: echo, any message, or http")
      ->capture_default_str()
      ->check(CLI::IsMember({"echo", "any", "http"}));
  app.add_option("--pause", plan.pause, "seconds between an answer and the next request")
      ->capture_default_str();
  app.add_option("--health", plan.health, "port of /healthz, requested every 50 ms");
}

void DeclareSteady(CLI::App& app, Plan& plan) {
  app.add_option("--secure-port", plan.secure.port, "port for steady clients with TLS, see --tls");
  app.add_option("--secure-connections", plan.secure_connections, "how many of these");
  app.add_option("--handshakes", plan.handshakes,
                 "short sessions per second beside steady clients");
}

void Declare(CLI::App& app, Options& options) {
  Plan& plan = options.plan;
  app.add_option("mode", options.mode, "the kind of load")
      ->required()
      ->check(CLI::IsMember(
          {"echo", "up", "down", "handshake", "idle", "broadcast", "flood", "polite", "steady"}));
  app.add_option("--port", plan.target.port, "port of the gateway, at 127.0.0.1")->required();
  app.add_option("--path", plan.target.path, "path of the request")->capture_default_str();
  app.add_option("--subprotocol", plan.target.subprotocol, "subprotocol to offer");
  app.add_option("--tls", options.ca, "use wss and trust this CA");
  app.add_flag("--resume", options.resume, "resume TLS sessions");
  app.add_option("--serve", options.servers, "KIND:PORT[:MESSAGE_SIZE], a server in the same loop");
  app.add_flag("--stream", options.stream, "the server runs elsewhere and is a TCP server");
  app.add_flag("--busy", options.busy, "spin instead of sleeping");
  app.add_option("--connections", plan.connections)->capture_default_str();
  app.add_option("--sources", plan.sources, "number of client addresses, from 127.0.0.2 on")
      ->capture_default_str()
      ->check(CLI::Range(1, 250));
  app.add_option("--size", plan.message_size, "bytes of a message")->capture_default_str();
  app.add_option("--window", plan.window, "messages in flight on each connection")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--warmup", plan.warmup, "seconds before the measurement")->capture_default_str();
  app.add_option("--seconds", plan.seconds, "seconds to measure")->capture_default_str();
  app.add_option("--gateway", plan.gateway, "process whose time is counted");
  DeclareFloods(app, plan);
  DeclareSteady(app, plan);
}

nlohmann::json Run(Loop& loop, const Options& options) {
  const Plan& plan = options.plan;
  if (options.mode == "up") return FlowRun(loop, plan, Direction::kUp).Run();
  if (options.mode == "down") return FlowRun(loop, plan, Direction::kDown).Run();
  if (options.mode == "handshake") return HandshakeRun(loop, plan).Run();
  if (options.mode == "flood") return FloodRun(loop, plan).Run();
  if (options.mode == "broadcast") return BroadcastRun(loop, plan).Run();
  return FlowRun(loop, plan, Direction::kEcho).Run();
}

// Steady clients with TLS have a port of their own. The path is the same.
void UseTls(Options& options, TlsClient& tls) {
  Target& target = options.mode == "steady" ? options.plan.secure : options.plan.target;
  target.path = options.plan.target.path;
  target.tls = &tls;
  // A write to a broken TLS connection is an error, not the end of the program.
  std::signal(SIGPIPE, SIG_IGN);
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("WebSocket load");
  Declare(app, options);
  CLI11_PARSE(app, argc, argv);

  Loop loop(options.busy);
  std::vector<std::unique_ptr<Server>> servers;
  for (const std::string& spec : options.servers) {
    servers.push_back(MakeServer(loop, spec));
    if (spec.starts_with("tcp-")) options.stream = true;
  }
  options.plan.framed = !options.stream;
  std::optional<TlsClient> tls;
  if (!options.ca.empty()) UseTls(options, tls.emplace(options.ca, options.resume));

  if (options.mode == "idle") {
    IdleRun(loop, options.plan).Run();
  } else if (options.mode == "polite") {
    PoliteRun(loop, options.plan).Run();
  } else if (options.mode == "steady") {
    SteadyRun(loop, options.plan).Run();
  } else {
    std::printf("%s\n", Run(loop, options).dump().c_str());
  }
  std::fflush(stdout);
  // Skips closing thousands of connections one by one.
  std::_Exit(0);
}

}  // namespace
}  // namespace upgate::bench

int main(int argc, char** argv) {
  return upgate::bench::Main(argc, argv);
}

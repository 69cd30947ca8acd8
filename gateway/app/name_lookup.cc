#include "gateway/app/name_lookup.h"

#include <chrono>
#include <cstddef>
#include <utility>
#include <variant>

#include "gateway/app/options.h"
#include "gateway/net/dns_client.h"
#include "gateway/net/loop.h"

namespace upgate::app {
namespace {

// For all names together.
constexpr io::Millis kPatience{5'000};

class Deadline final : private io::Timer::Owner {
 public:
  explicit Deadline(io::Timers& timers) : timer_(timers, *this) { timer_.Arm(kPatience); }
  bool over() const { return over_; }

 private:
  void OnTimer(io::Timer&) override { over_ = true; }
  bool over_ = false;
  io::Timer timer_;
};

// Asks for one name, and puts its servers into `answer`.
void Ask(net::DnsClient& dns, const config::Server& server, NameAnswer& answer,
         std::size_t& missing) {
  const std::string& host = std::get<HostPort>(server.address).host;
  const auto take = [&server, &answer, &missing](auto found) {
    --missing;
    if (!found) {
      answer.servers = std::unexpected(found.error());
    } else {
      answer.servers = backend::ServersAt(server, *found);
    }
  };
  if (server.resolve == config::Server::Resolve::kSrv) {
    dns.LookUpService(host, take);
  } else {
    dns.LookUp(host, take);
  }
}

}  // namespace

std::vector<NamedServer> NamesOf(const config::Config& config) {
  std::vector<NamedServer> names;
  for (const auto& [name, backend] : config.backends) {
    for (const config::Server& server : backend.servers) {
      if (server.resolve != config::Server::Resolve::kAny) names.push_back({name, server});
    }
  }
  return names;
}

std::vector<NameAnswer> LookUp(const std::vector<NamedServer>& names,
                               const config::Config& config) {
  std::vector<NameAnswer> answers;
  for (const NamedServer& named : names)
    answers.push_back({{named.backend, named.server.url},
                       Fail(Errc::kTimeout, "no answer from the name servers in time")});
  std::size_t missing = names.size();
  net::Loop loop;
  {
    net::DnsClient dns(loop, NameServers(config));
    const Deadline deadline(loop.timers());
    for (std::size_t i = 0; i < names.size(); ++i) Ask(dns, names[i].server, answers[i], missing);
    if (missing > 0) loop.RunUntil([&] { return missing == 0 || deadline.over(); });
  }
  return answers;
}

backend::ServersOfNames LookUpAll(const config::Config& config,
                                  const backend::ServersOfNames& known) {
  const std::vector<NamedServer> names = NamesOf(config);
  backend::ServersOfNames servers;
  if (names.empty()) return servers;
  for (NameAnswer& answer : LookUp(names, config)) {
    if (answer.servers) {
      servers[answer.name] = std::move(*answer.servers);
    } else if (const auto old = known.find(answer.name); old != known.end()) {
      servers[answer.name] = old->second;
    }
  }
  return servers;
}

}  // namespace upgate::app

#include "gateway/app/explain_limits.h"

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/scalar.h"

namespace upgate::app {
namespace {

std::string ListOf(const config::AddressSet& set) {
  std::vector<std::string> items;
  for (const Cidr& block : set.blocks) items.push_back(block.ToString());
  if (set.unix_sockets) items.emplace_back("unix");
  return Join(items, ", ");
}

std::string Written(const Rate& rate) {
  return fmt::format("{}, burst {}",
                     config::Syntax<config::EventRate>::Write({rate.amount, rate.period}),
                     rate.burst);
}

void TellSessionRate(Lines& out, std::string_view what, const config::SessionRate& limit,
                     const std::string& rate) {
  using From = config::SessionRate::From;
  out.Add("", "{} {} from {}, then {}", what, rate,
          limit.from == From::kBoth     ? "each peer"
          : limit.from == From::kClient ? "the client"
                                        : "the server",
          limit.over == config::SessionRate::Over::kClose ? "Close 1008" : "it has to wait");
}

// Limits by client, and of each session.
void TellRates(Lines& out, const config::RouteLimits& limits) {
  if (limits.by == config::RouteLimits::By::kUser) out.Add("", "by client: its user");
  if (limits.sessions_per_client != 0)
    out.Add("", "sessions_per_client {}, then 429", limits.sessions_per_client);
  if (limits.handshakes)
    out.Add("", "handshakes of a client {}, then 429", Written(limits.handshakes));
  if (limits.requests) out.Add("", "requests of a client {}, then 429", Written(limits.requests));
  if (limits.messages.rate)
    TellSessionRate(out, "messages", limits.messages, Written(limits.messages.rate));
  if (const Rate& rate = limits.bytes.rate) {
    TellSessionRate(out, "bytes", limits.bytes,
                    fmt::format("{}, burst {}",
                                config::Syntax<config::ByteRate>::Write({rate.amount, rate.period}),
                                config::Syntax<config::ByteSize>::Write({rate.burst})));
  }
  if (limits.queue_time.count() != 0)
    out.Add("", "queue_time {}, then Close 1013", Duration(limits.queue_time, ""));
}

}  // namespace

void TellAccess(Lines& out, const config::Access& access) {
  if (access.allow) out.Add("access", "only for {}", ListOf(*access.allow));
  if (!access.deny.empty())
    out.Add(access.allow ? "" : "access", "not for {}", ListOf(access.deny));
}

void TellLimits(Lines& out, const config::RouteLimits& limits) {
  out.Add("limits", "message_size {}, sessions {}",
          config::Syntax<config::ByteSize>::Write({limits.message_size}),
          limits.sessions == 0 ? "unlimited" : std::to_string(limits.sessions));
  if (limits.body_size != 0)
    out.Add("", "body_size {}, then 413",
            config::Syntax<config::ByteSize>::Write({limits.body_size}));
  TellRates(out, limits);
  if (limits.server_message_size != 0)
    out.Add("", "server_message_size {}",
            config::Syntax<config::ByteSize>::Write({limits.server_message_size}));
  out.Add("", "idle {}, ping_interval {}, close_timeout {}", Duration(limits.idle, "unlimited"),
          Duration(limits.ping_interval, "never"), Duration(limits.close_timeout, "0"));
}

}  // namespace upgate::app

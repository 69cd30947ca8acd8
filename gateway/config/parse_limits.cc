#include "gateway/config/sections.h"

namespace upgate::config {
namespace {

constexpr std::uint64_t kMaxMessage = 1ULL << 30;
constexpr std::uint64_t kMaxSessions = 1'000'000'000;
constexpr std::uint64_t kMaxBurst = 1ULL << 40;
constexpr Millis kMonth = std::chrono::hours(720);
constexpr Millis kDay = std::chrono::hours(24);

// Without a burst: what comes in a second.
std::uint64_t DefaultBurst(const Rate& rate) {
  const auto seconds = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(rate.period).count());
  return (rate.amount + seconds - 1) / seconds;
}

Rate ReadEvents(Field& field) {
  const auto read = field["rate"].Required<EventRate>();
  Rate rate{.amount = read.amount, .period = read.period};
  if (rate)
    rate.burst = field["burst"].Optional<std::uint64_t>(DefaultBurst(rate), {1, kMaxBurst});
  else
    field["burst"].Maybe<std::uint64_t>({1, kMaxBurst});
  return rate;
}

Rate ReadBytes(Field& field) {
  const auto read = field["rate"].Required<ByteRate>();
  Rate rate{.amount = read.bytes, .period = read.period};
  const ByteSize burst = field["burst"].Optional(ByteSize{rate ? DefaultBurst(rate) : 1},
                                                 {ByteSize{1}, ByteSize{kMaxBurst}});
  rate.burst = burst.bytes;
  return rate;
}

// What limits of messages and of bytes have in common.
SessionRate ParseSessionRate(Field field, Rate (*read)(Field&)) {
  SessionRate limit;
  if (!field.present()) return limit;
  using Over = SessionRate::Over;
  using From = SessionRate::From;
  limit.rate = read(field);
  limit.over =
      field["over"].OneOf<Over>({{"delay", Over::kDelay}, {"close", Over::kClose}}, limit.over);
  limit.from = field["from"].OneOf<From>(
      {{"both", From::kBoth}, {"client", From::kClient}, {"server", From::kServer}}, limit.from);
  field.RejectUnknownKeys();
  return limit;
}

void ParseLimitsByClient(Field& field, RouteLimits& limits) {
  limits.by = field["by"].OneOf<RouteLimits::By>(
      {{"address", RouteLimits::By::kAddress}, {"user", RouteLimits::By::kUser}}, limits.by);
  limits.sessions_per_client =
      field["sessions_per_client"].Optional(limits.sessions_per_client, {0, kMaxSessions});
  limits.handshakes = ParseRate(field["handshakes"]);
  limits.requests = ParseRate(field["requests"]);
}

}  // namespace

Rate ParseRate(Field field) {
  if (!field.present()) return {};
  const Rate rate = ReadEvents(field);
  field.RejectUnknownKeys();
  return rate;
}

RouteLimits ParseLimits(Field field) {
  RouteLimits limits;
  limits.message_size =
      field["message_size"]
          .Optional(ByteSize{limits.message_size}, {ByteSize{1}, ByteSize{kMaxMessage}})
          .bytes;
  limits.server_message_size =
      field["server_message_size"]
          .Optional(ByteSize{limits.server_message_size}, {ByteSize{0}, ByteSize{kMaxMessage}})
          .bytes;
  limits.body_size = field["body_size"]
                         .Optional(ByteSize{limits.body_size}, {ByteSize{0}, ByteSize{kMaxBurst}})
                         .bytes;
  limits.sessions = field["sessions"].Optional(limits.sessions, {0, kMaxSessions});
  ParseLimitsByClient(field, limits);
  limits.messages = ParseSessionRate(field["messages"], ReadEvents);
  limits.bytes = ParseSessionRate(field["bytes"], ReadBytes);
  limits.queue_time = field["queue_time"].Optional(limits.queue_time, {Millis{0}, kDay});
  limits.idle = field["idle"].Optional(limits.idle, {Millis{0}, kMonth});
  limits.ping_interval = field["ping_interval"].Optional(limits.ping_interval, {Millis{0}, kDay});
  limits.max_age = field["max_age"].Optional(limits.max_age, {Millis{0}, kMonth});
  limits.close_timeout = field["close_timeout"].Optional(limits.close_timeout, {Millis{1}, kHour});
  field.RejectUnknownKeys();
  return limits;
}

}  // namespace upgate::config

#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

#include "gateway/config/scalar.h"

namespace upgate::config {
namespace {

struct RateUnit {
  std::string_view name;
  Millis period;
};
constexpr std::array kRateUnits{RateUnit{"s", std::chrono::seconds(1)},
                                RateUnit{"m", std::chrono::minutes(1)},
                                RateUnit{"h", std::chrono::hours(1)}};

struct Split {
  std::string_view amount;
  Millis period;
};

Reading<Split> SplitRate(std::string_view text, std::string_view example) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos)
    return Refuse("has no time", fmt::format("write {}/s, /m or /h", example));
  const auto unit = std::ranges::find(kRateUnits, text.substr(slash + 1), &RateUnit::name);
  if (unit == kRateUnits.end())
    return Refuse("has an unknown time", fmt::format("write {}/s, /m or /h", example));
  return Split{text.substr(0, slash), unit->period};
}

std::string_view NameOf(Millis period) {
  const auto unit = std::ranges::find(kRateUnits, period, &RateUnit::period);
  return unit != kRateUnits.end() ? unit->name : "s";
}

}  // namespace

Reading<EventRate> Syntax<EventRate>::Read(std::string_view text) {
  const auto split = SplitRate(text, "5");
  if (!split) return std::unexpected(split.error());
  const auto amount = ReadInteger(split->amount);
  if (!amount) return Refuse();
  if (*amount < 1 || *amount > 1'000'000'000)
    return Refuse("is out of range", "use 1/h to 1000000000/s");
  return EventRate{static_cast<std::uint64_t>(*amount), split->period};
}

std::string Syntax<EventRate>::Write(const EventRate& rate) {
  return fmt::format("{}/{}", rate.amount, NameOf(rate.period));
}

Reading<ByteRate> Syntax<ByteRate>::Read(std::string_view text) {
  const auto split = SplitRate(text, "1MiB");
  if (!split) return std::unexpected(split.error());
  const auto size = Syntax<ByteSize>::Read(split->amount);
  if (!size) return std::unexpected(size.error());
  if (size->bytes == 0) return Refuse("is out of range", "use 1B/h or more");
  return ByteRate{size->bytes, split->period};
}

std::string Syntax<ByteRate>::Write(const ByteRate& rate) {
  return fmt::format("{}/{}", Syntax<ByteSize>::Write({rate.bytes}), NameOf(rate.period));
}

}  // namespace upgate::config

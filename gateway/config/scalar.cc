#include "gateway/config/scalar.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <iterator>
#include <limits>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "gateway/base/text.h"

namespace upgate::config {
namespace {

// Saturates.
std::uint64_t ToNumber(std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc{} ? number : std::numeric_limits<std::uint64_t>::max();
}

// A number and the text directly after it.
struct Amount {
  std::string_view digits;
  std::string_view unit;
  std::uint64_t number = 0;
};

std::optional<Amount> ReadAmount(std::string_view text) {
  const auto end = static_cast<std::size_t>(std::ranges::find_if_not(text, IsDigit) - text.begin());
  if (end == 0) return {};
  return Amount{text.substr(0, end), text.substr(end), ToNumber(text.substr(0, end))};
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr Unit kTimes[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
constexpr Unit kSizes[] = {{"B", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}};
constexpr std::uint64_t kMaxTime = 10ULL * 365 * 24 * 3'600'000;
constexpr std::uint64_t kMaxSize = 1ULL << 50;

// Other spellings of a unit, in lower case.
struct Slip {
  std::string_view written;
  std::string_view meant;
};
constexpr Slip kTimeSlips[] = {
    {"msec", "ms"}, {"millis", "ms"}, {"milliseconds", "ms"}, {"s", "s"},  {"sec", "s"},
    {"secs", "s"},  {"second", "s"},  {"seconds", "s"},       {"m", "m"},  {"min", "m"},
    {"mins", "m"},  {"minute", "m"},  {"minutes", "m"},       {"h", "h"},  {"hr", "h"},
    {"hrs", "h"},   {"hour", "h"},    {"hours", "h"},         {"ms", "ms"}};
constexpr Slip kSizeSlips[] = {{"b", "B"},    {"bytes", "B"}, {"byte", "B"},  {"k", "KiB"},
                               {"kb", "KiB"}, {"ki", "KiB"},  {"kib", "KiB"}, {"m", "MiB"},
                               {"mb", "MiB"}, {"mi", "MiB"},  {"mib", "MiB"}, {"g", "GiB"},
                               {"gb", "GiB"}, {"gi", "GiB"},  {"gib", "GiB"}};

// The error for an amount whose unit is not in `units`.
Refusal UnknownUnit(const Amount& amount, std::span<const Unit> units, std::span<const Slip> slips,
                    std::string_view choices) {
  const std::string_view unit = Trim(amount.unit);
  if (unit.starts_with('.')) return {"is not a whole number", "use a smaller unit"};
  if (unit.size() < amount.unit.size()) {
    const bool known = std::ranges::find(units, unit, &Unit::name) != units.end();
    return {"has a space in it",
            known ? fmt::format("write {}{}", Excerpt(amount.digits), unit) : std::string{}};
  }
  if (std::ranges::any_of(unit, IsDigit)) return {"is more than one number and one unit"};
  const auto slip = std::ranges::find(slips, ToLower(unit), &Slip::written);
  if (slip == slips.end()) return {"has an unknown unit", fmt::format("use {}", choices)};
  return {"has an unknown unit",
          fmt::format("did you mean {}{}?", Excerpt(amount.digits), slip->meant)};
}

std::string WriteAmount(std::uint64_t number, std::span<const Unit> units) {
  const Unit* best = &units.front();
  for (const Unit& unit : units) {
    if (number != 0 && number % unit.factor == 0) best = &unit;
  }
  return fmt::format("{}{}", number / best->factor, best->name);
}

Reading<std::uint64_t> Scale(const Amount& amount, std::uint64_t factor, std::uint64_t max,
                             std::span<const Unit> units) {
  if (amount.number > max / factor) {
    return std::unexpected(
        Refusal{"is too large", fmt::format("at most {}", WriteAmount(max, units))});
  }
  return amount.number * factor;
}

}  // namespace

Reading<std::int64_t> ReadInteger(std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || stop != end || error == std::errc::invalid_argument) return Refuse();
  if (error == std::errc{}) return number;
  return text.front() == '-' ? std::numeric_limits<std::int64_t>::min()
                             : std::numeric_limits<std::int64_t>::max();
}

Reading<bool> Syntax<bool>::Read(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  const std::string lower = ToLower(text);
  for (const std::string_view yes : {"true", "yes", "on", "y", "1"}) {
    if (lower == yes) return Refuse("", "did you mean true?");
  }
  for (const std::string_view no : {"false", "no", "off", "n", "0"}) {
    if (lower == no) return Refuse("", "did you mean false?");
  }
  return Refuse();
}

Reading<Millis> Syntax<Millis>::Read(std::string_view text) {
  const auto amount = ReadAmount(text);
  if (!amount) return Refuse();
  if (amount->unit.empty()) {
    if (amount->number == 0) return Millis{0};
    return std::unexpected(Refusal{
        "has no unit", fmt::format("write {0}s, or {0}ms, {0}m or {0}h", Excerpt(amount->digits))});
  }
  const auto unit = std::ranges::find(kTimes, amount->unit, &Unit::name);
  if (unit == std::end(kTimes)) {
    if (amount->unit == "d" || amount->unit == "days") {
      return Refuse("has an unknown unit", "write days as hours: 24h is one day");
    }
    return std::unexpected(UnknownUnit(*amount, kTimes, kTimeSlips, "ms, s, m or h"));
  }
  const auto scaled = Scale(*amount, unit->factor, kMaxTime, kTimes);
  if (!scaled) return std::unexpected(scaled.error());
  return Millis{static_cast<Millis::rep>(*scaled)};
}

std::string Syntax<Millis>::Write(Millis duration) {
  return duration.count() == 0 ? "0"
                               : WriteAmount(static_cast<std::uint64_t>(duration.count()), kTimes);
}

Reading<ByteSize> Syntax<ByteSize>::Read(std::string_view text) {
  const auto amount = ReadAmount(text);
  if (!amount) return Refuse();
  const std::string_view name = amount->unit.empty() ? "B" : amount->unit;
  const auto unit = std::ranges::find(kSizes, name, &Unit::name);
  if (unit == std::end(kSizes)) {
    return std::unexpected(UnknownUnit(*amount, kSizes, kSizeSlips, "B, KiB, MiB or GiB"));
  }
  const auto scaled = Scale(*amount, unit->factor, kMaxSize, kSizes);
  if (!scaled) return std::unexpected(scaled.error());
  return ByteSize{*scaled};
}

std::string Syntax<ByteSize>::Write(ByteSize size) {
  return WriteAmount(size.bytes, kSizes);
}

Reading<MemoryLimit> Syntax<MemoryLimit>::Read(std::string_view text) {
  if (text.ends_with('%')) {
    const auto percent = ReadInteger(text.substr(0, text.size() - 1));
    if (!percent) return Refuse();
    if (*percent < 1 || *percent > 100)
      return Refuse("is not a valid percentage", "use 1% to 100%");
    return MemoryLimit{.percent = static_cast<std::uint32_t>(*percent)};
  }
  const auto size = Syntax<ByteSize>::Read(text);
  if (!size) return std::unexpected(size.error());
  if (size->bytes < kLeastMemoryLimit)
    return Refuse("is not enough to serve any client", "use 16MiB or more");
  return MemoryLimit{.bytes = size->bytes};
}

Reading<Percent> Syntax<Percent>::Read(std::string_view text) {
  const bool has_unit = text.ends_with('%');
  const auto number = ReadInteger(has_unit ? text.substr(0, text.size() - 1) : text);
  if (!number) return Refuse();
  if (!has_unit) return Refuse("has no unit", fmt::format("write {}%", Excerpt(text)));
  if (*number < 1 || *number > 100) return Refuse("is not a valid percentage", "use 1% to 100%");
  return Percent{static_cast<std::uint32_t>(*number)};
}

Reading<Workers> Syntax<Workers>::Read(std::string_view text) {
  if (text == "auto") return Workers{0};
  const auto number = ReadInteger(text);
  if (!number || *number < 1 || *number > 256) return Refuse();
  return Workers{static_cast<std::uint32_t>(*number)};
}

Reading<FileName> Syntax<FileName>::Read(std::string_view text) {
  if (text.empty()) return Refuse("is empty");
  if (std::ranges::any_of(text, IsControl)) return Refuse("has a control character in it");
  return FileName{std::string(text)};
}

Reading<Token> Syntax<Token>::Read(std::string_view text) {
  const auto is_token = [](char c) {
    return IsAlpha(c) || IsDigit(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  if (text.empty() || !std::ranges::all_of(text, is_token)) return Refuse();
  return Token{std::string(text)};
}

}  // namespace upgate::config

#include "tests/bench/backend/server_spec.h"

#include <charconv>
#include <string>

#include "tests/bench/wire/die.h"

namespace upgate::bench {
namespace {

template <class Number>
Number ReadNumber(std::string_view text, std::string_view spec) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number == 0) {
    Die("not KIND:PORT[:MESSAGE_SIZE]: " + std::string(spec));
  }
  return number;
}

std::string_view TakeUntilColon(std::string_view& text) {
  const std::string_view part = text.substr(0, text.find(':'));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

}  // namespace

std::unique_ptr<Server> MakeServer(Loop& loop, std::string_view spec) {
  std::string_view rest = spec;
  const std::string_view kind = TakeUntilColon(rest);
  const auto port = ReadNumber<std::uint16_t>(TakeUntilColon(rest), spec);
  const std::size_t size = rest.empty() ? 64 : ReadNumber<std::size_t>(rest, spec);
  return std::make_unique<Server>(loop, kind, port, size);
}

}  // namespace upgate::bench

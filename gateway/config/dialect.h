#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace upgate::config {

// A WebSocket wire version: the standard, or a draft that old clients still use.
enum class Dialect : std::uint8_t {
  kRfc6455,
  kHybi08,   // draft-ietf-hybi-thewebsocketprotocol-08
  kHixie76,  // draft-hixie-thewebsocketprotocol-76, identical to hybi-00
  kHixie75,  // draft-hixie-thewebsocketprotocol-75
};
inline constexpr std::size_t kDialects = 4;
inline constexpr std::array<std::string_view, kDialects> kDialectNames{"rfc6455", "hybi08",
                                                                       "hixie76", "hixie75"};

constexpr std::string_view NameOf(Dialect dialect) {
  return kDialectNames[static_cast<std::size_t>(dialect)];
}

// True if the dialect has binary messages; the others have text only.
constexpr bool CarriesBinary(Dialect dialect) {
  return dialect == Dialect::kRfc6455 || dialect == Dialect::kHybi08;
}

class DialectSet {
 public:
  constexpr DialectSet() = default;
  constexpr DialectSet(std::initializer_list<Dialect> dialects) {
    for (const Dialect dialect : dialects) Add(dialect);
  }
  constexpr void Add(Dialect dialect) { bits_ = static_cast<std::uint8_t>(bits_ | Bit(dialect)); }
  constexpr bool Has(Dialect dialect) const { return (bits_ & Bit(dialect)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  // The names, such as "rfc6455, hixie76".
  std::string ToString() const;
  friend constexpr bool operator==(DialectSet, DialectSet) = default;

 private:
  static constexpr unsigned Bit(Dialect dialect) { return 1U << static_cast<unsigned>(dialect); }

  std::uint8_t bits_ = 0;
};

}  // namespace upgate::config

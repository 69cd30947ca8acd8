#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace upgate::conformance {

// What a client plays and which Close ends it. What else is to come back, the Reference knows.
struct Case {
  std::string name;  // letters, digits and underscores
  std::string sent;
  unsigned close = 1000;
};

// A case that keeps the rules: a Close is put behind it, and everything is answered.
Case Good(std::string name, std::string sent);
// A case that ends with this code of the server's; what is put behind it must stay without an
// answer.
Case Bad(std::string name, unsigned code, std::string sent);

std::vector<Case> FramingCases();
std::vector<Case> ReservedBitCases();
std::vector<Case> OpcodeCases();
std::vector<Case> PingCases();
std::vector<Case> FragmentCases();
std::vector<Case> Utf8Cases();
std::vector<Case> CloseCases();

// For routes whose messages may have this many bytes.
inline constexpr std::size_t kSmallMessage = 1000;
std::vector<Case> SizeLimitCases();

// "name" and a number, for tables made in loops.
std::string Named(std::string_view name, unsigned long number);

}  // namespace upgate::conformance

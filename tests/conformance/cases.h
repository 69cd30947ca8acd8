#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace upgate::conformance {

// The input of a client and the Close that ends it. The Reference computes the other expected
// output.
struct Case {
  std::string name;  // letters, digits and underscores
  std::string sent;
  unsigned close = 1000;
};

// A case without violations: a Close is appended, and everything is answered.
Case Good(std::string name, const std::string& sent);
// A case that ends with this close code of the server; input appended to it must not be answered.
Case Bad(std::string name, unsigned code, const std::string& sent);

std::vector<Case> FramingCases();
std::vector<Case> ReservedBitCases();
std::vector<Case> OpcodeCases();
std::vector<Case> PingCases();
std::vector<Case> FragmentCases();
std::vector<Case> Utf8Cases();
std::vector<Case> CloseCases();

// The message size limit of the routes in /small.
inline constexpr std::size_t kSmallMessage = 1000;
std::vector<Case> SizeLimitCases();

// "name" and a number, for generated tables.
std::string Named(std::string_view name, unsigned long number);

}  // namespace upgate::conformance

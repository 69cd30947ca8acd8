#pragma once

#include <string>
#include <string_view>

#include "gateway/config/scalar.h"

namespace upgate::config {

// The syntax of what resolvers are configured with and of what they answer.

template <>
struct Syntax<TokenPlace> {
  static constexpr std::string_view kForm =
      "a place of the token: query:NAME, path, host, header:NAME or cookie:NAME";
  static Reading<TokenPlace> Read(std::string_view text);
};
std::string WrittenPlace(const TokenPlace& place);

template <>
struct Syntax<TargetPattern> {
  static constexpr std::string_view kForm =
      "a target such as vm1.example.com:5900, \"*.vms.example.com:5900-5999\", "
      "10.0.0.0/8:5900-5999, \"[fd00::/8]:5900\" or unix:/run/vms/*";
  static Reading<TargetPattern> Read(std::string_view text);
};

// A resolver's answer: the URL of a server, or host:port of one with this scheme. The refusal tells
// what is wrong and does not repeat the text.
Reading<ServerUrl> ReadTarget(std::string_view text, ServerScheme scheme);

// "tcp", "wss" and so on.
std::string_view NameOf(ServerScheme scheme);

// True if a path of a unix socket has no empty, "." or ".." part, so that it is below the folder
// that it begins with.
bool IsPlainPath(std::string_view path);

}  // namespace upgate::config

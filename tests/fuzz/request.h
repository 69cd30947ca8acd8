#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "gateway/http/request_parser.h"

namespace upgate::fuzz {

// A request as the layers above HTTP get it; nothing if the connection would refuse its head.
inline std::optional<http::Request> ParseRequest(std::string_view head) {
  http::RequestParser parser({.head_bytes = 64 * 1024, .header_count = 100});
  Bytes input = AsBytes(head);
  auto event = parser.Next(input);
  if (!event) return {};
  auto* parsed = std::get_if<http::RequestHead>(&*event);
  if (parsed == nullptr) return {};
  return std::move(parsed->request);
}

}  // namespace upgate::fuzz

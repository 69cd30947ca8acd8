#include "gateway/ws/server_answer.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "gateway/base/text.h"

namespace upgate::ws {
namespace {

std::string_view NameOf(std::string_view extension) {
  return Trim(extension.substr(0, extension.find(';')));
}

bool Offers(std::string_view offered, std::string_view extension) {
  for (auto item = NextListItem(offered); !item.empty(); item = NextListItem(offered)) {
    if (EqualsIgnoreCase(NameOf(item), extension)) return true;
  }
  return false;
}

// The values of a field that takes one, which has no comma: those that are not empty, each once, in
// their order.
std::vector<std::string_view> ValuesOf(const http::Headers& headers, std::string_view name) {
  std::vector<std::string_view> values;
  const auto add = [&](std::string_view value) {
    if (!value.empty() && std::ranges::find(values, value) == values.end()) values.push_back(value);
  };
  for (const http::Header& header : headers) {
    if (!EqualsIgnoreCase(header.name, name)) continue;
    std::string_view list = header.value;
    if (!list.contains(',')) {
      add(list);
    } else {
      for (auto item = NextListItem(list); !item.empty(); item = NextListItem(list)) add(item);
    }
  }
  return values;
}

}  // namespace

std::string ChosenSubprotocol(const http::Response& answer) {
  const auto values = ValuesOf(answer.headers, "sec-websocket-protocol");
  return values.empty() ? "" : std::string(values.front());
}

std::string AcceptKeyOf(const http::Response& answer) {
  const auto values = ValuesOf(answer.headers, "sec-websocket-accept");
  return values.empty() ? "" : std::string(values.front());
}

std::string ChosenExtensions(const http::Response& answer) {
  const std::string all = answer.headers.Joined("sec-websocket-extensions");
  std::string_view list = all;
  std::vector<std::string_view> seen;
  std::string chosen;
  for (auto item = NextListItem(list); !item.empty(); item = NextListItem(list)) {
    if (std::ranges::find(seen, item) != seen.end()) continue;
    seen.push_back(item);
    chosen.append(chosen.empty() ? "" : ", ").append(item);
  }
  return chosen;
}

http::Response WithoutHandshake(const http::Response& answer, bool own_extensions) {
  http::Response rest;
  rest.headers.Reserve(answer.headers.size());
  for (const http::Header& header : answer.headers) {
    if (!ws::IsHandshakeField(header.name) &&
        !EqualsIgnoreCase(header.name, "sec-websocket-extensions"))
      rest.headers.Add(header.name, header.value);
  }
  const std::string extensions = own_extensions ? "" : ChosenExtensions(answer);
  if (!extensions.empty()) rest.headers.Add("Sec-WebSocket-Extensions", extensions);
  return rest;
}

void AddFieldsOfServer(const http::Response& server, http::Response& ours) {
  // These are of the server that answers, as in all its responses.
  for (const std::string_view name : {"Date", "Server"}) {
    if (server.headers.Find(name) != nullptr) ours.headers.Remove(name);
  }
  const auto own = static_cast<std::ptrdiff_t>(ours.headers.size());
  const auto is_own = [&](const http::Header& field) {
    return std::any_of(ours.headers.begin(), ours.headers.begin() + own,
                       [&](const auto& mine) { return EqualsIgnoreCase(mine.name, field.name); });
  };
  for (const http::Header& header : server.headers) {
    if (!is_own(header)) ours.headers.Add(header.name, header.value);
  }
}

std::optional<std::string> FaultOf(const http::Response& answer, const ws::Offer& offer,
                                   std::string_view extensions) {
  if (!answer.headers.HasToken("upgrade", "websocket")) return "its 101 is not for WebSocket";
  const auto accepts = ValuesOf(answer.headers, "sec-websocket-accept");
  if (accepts.size() != 1 || accepts.front() != ws::AcceptKey(offer.key))
    return "its 101 has no proper Sec-WebSocket-Accept";
  const auto subprotocols = ValuesOf(answer.headers, "sec-websocket-protocol");
  if (subprotocols.size() > 1) return "its 101 has several subprotocols";
  if (!subprotocols.empty() &&
      std::ranges::find(offer.subprotocols, subprotocols.front()) == offer.subprotocols.end()) {
    return "its 101 has a subprotocol that was not offered";
  }
  const std::string chosen = ChosenExtensions(answer);
  std::string_view list = chosen;
  for (auto item = NextListItem(list); !item.empty(); item = NextListItem(list)) {
    if (!Offers(extensions, NameOf(item))) return "its 101 has an extension that was not offered";
  }
  return {};
}

}  // namespace upgate::ws

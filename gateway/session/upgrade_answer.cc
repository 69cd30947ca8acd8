#include "gateway/session/upgrade_answer.h"

#include <algorithm>
#include <string_view>

#include "gateway/base/text.h"

namespace upgate::session {
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

}  // namespace

std::optional<std::string> FaultOf(const http::Response& answer, const ws::Offer& offer,
                                   std::string_view extensions) {
  if (!answer.headers.HasToken("upgrade", "websocket")) return "its 101 is not for WebSocket";
  const std::string* accept = answer.headers.Find("sec-websocket-accept");
  const bool once = answer.headers.Count("sec-websocket-accept") == 1;
  if (!once || *accept != ws::AcceptKey(offer.key))
    return "its 101 has no proper Sec-WebSocket-Accept";
  if (answer.headers.Count("sec-websocket-protocol") > 1) return "its 101 has several subprotocols";
  const std::string* subprotocol = answer.headers.Find("sec-websocket-protocol");
  if (subprotocol != nullptr &&
      std::ranges::find(offer.subprotocols, *subprotocol) == offer.subprotocols.end()) {
    return "its 101 has a subprotocol that was not offered";
  }
  const std::string chosen = answer.headers.Joined("sec-websocket-extensions");
  std::string_view list = chosen;
  for (auto item = NextListItem(list); !item.empty(); item = NextListItem(list)) {
    if (!Offers(extensions, NameOf(item))) return "its 101 has an extension that was not offered";
  }
  return {};
}

}  // namespace upgate::session

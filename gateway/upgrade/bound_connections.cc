#include "gateway/upgrade/bound_connections.h"

#include <algorithm>
#include <utility>

#include "gateway/base/text.h"

namespace upgate::upgrade {
namespace {

// Of credentials or of a challenge (RFC 9110, section 11): the word that it begins with.
bool HasSuchScheme(std::string_view text) {
  text = Trim(text);
  const std::string_view scheme = text.substr(0, text.find_first_of(" \t"));
  return EqualsIgnoreCase(scheme, "negotiate") || EqualsIgnoreCase(scheme, "ntlm");
}

}  // namespace

bool AuthenticatesConnection(const http::Headers& request) {
  const std::string* credentials = request.Find("authorization");
  return credentials != nullptr && HasSuchScheme(*credentials);
}

// A comma inside a quoted parameter of another challenge splits that, too: at worst a connection is
// kept for a client that does not need it.
bool AsksForConnectionAuth(const http::Response& answer) {
  if (answer.status != 401) return false;
  return std::ranges::any_of(answer.headers, [](const http::Header& header) {
    if (!EqualsIgnoreCase(header.name, "www-authenticate")) return false;
    std::string_view list = header.value;
    for (auto item = NextListItem(list); !item.empty(); item = NextListItem(list)) {
      if (HasSuchScheme(item)) return true;
    }
    return false;
  });
}

void BoundConnections::Keep(Ref<LoopBackend> backend, std::string_view client,
                            backend::Lease lease) {
  std::erase_if(bound_, [&](const Bound& bound) {
    return bound.backend == backend && bound.client == client;
  });
  auto reserved = backend->http()->Reserve(std::move(lease));
  if (!reserved) return;
  if (bound_.size() >= kMost) bound_.pop_front();
  bound_.push_back({std::move(backend), std::string(client), std::move(*reserved)});
}

std::optional<backend::Lease> BoundConnections::Take(LoopBackend& backend, std::string_view client,
                                                     const backend::Search& search) {
  const auto it = std::ranges::find_if(bound_, [&](const Bound& bound) {
    return bound.backend.get() == &backend && bound.client == client;
  });
  if (it == bound_.end()) return {};
  Bound bound = std::move(*it);
  bound_.erase(it);
  return backend.http()->TakeReserved(std::move(bound.connection), search);
}

}  // namespace upgate::upgrade

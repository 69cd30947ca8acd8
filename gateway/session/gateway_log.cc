// What the log says of clients that get no session.
#include "gateway/session/gateway.h"
#include "gateway/ws/handshake.h"

namespace upgate::session {

void Gateway::LogBackendFailed(const config::Route& route, std::string_view client,
                               std::string_view why, io::Seldom& lines) {
  const auto left_out = lines.Due(context_.loop.timers.Now());
  if (!left_out) return;
  shared_.log.Warn("backend failed", {{"route", route.path.written},
                                      {"backend", *route.backend},
                                      {"client", client},
                                      {"why", why},
                                      {"left_out", *left_out}});
}

// A browser does not tell its page why a handshake failed; the log does.
void Gateway::LogRefusal(const http::Request& request, const config::Route* route,
                         const route::SeenAs& seen, int status, std::string_view why) {
  const auto left_out = shared_.counts.refusals.Due(context_.loop.timers.Now());
  if (!left_out) return;
  shared_.log.Info("handshake refused", {{"client", seen.client},
                                         {"route", route != nullptr ? route->path.written : ""},
                                         {"host", seen.host},
                                         {"path", request.target.path},
                                         {"origin", ws::OriginSent(request)},
                                         {"status", std::int64_t{status}},
                                         {"why", why.substr(0, why.find('\n'))},
                                         {"left_out", *left_out}});
}

}  // namespace upgate::session

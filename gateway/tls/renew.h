#pragma once

#include <memory>

#include "gateway/tls/context.h"
#include "gateway/tls/context_cell.h"

namespace upgate::tls {

// Puts a context that is not in use yet in the place of the one in the cell. Clients can still
// resume their sessions, as far as ShareTicketKeys allows.
inline void Renew(ContextCell<ServerContext>& cell, std::shared_ptr<ServerContext> context) {
  if (const auto previous = cell.Get()) context->ShareTicketKeys(*previous);
  cell.Set(std::move(context));
}
inline void Renew(ContextCell<ClientContext>& cell, std::shared_ptr<ClientContext> context) {
  cell.Set(std::move(context));
}

}  // namespace upgate::tls

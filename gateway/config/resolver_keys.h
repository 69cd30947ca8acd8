#pragma once

#include <filesystem>
#include <optional>

#include "gateway/config/config.h"
#include "gateway/config/field.h"

namespace upgate::config {

// Registers the keys in the options of a route with a resolver that are the gateway's own (from,
// allow and so on), so that the plugin rejects only those that are neither its own nor these.
void KnowResolverKeys(Field& options);

// TLS to a service that a plugin asks: true, or a map as in a backend's `tls`; nullopt for false
// and if not present.
std::optional<ClientTls> ParseServiceTls(const Field& field, const std::filesystem::path& folder);

}  // namespace upgate::config

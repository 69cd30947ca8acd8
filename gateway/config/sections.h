#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/field.h"
#include "gateway/config/regex.h"

namespace upgate::config {

// The parts of Parse: each reads one section of the file into its struct, and adds errors to the
// list of its field.

// The maximum of most timeouts.
inline constexpr Millis kHour = std::chrono::hours(1);

// The addresses in use so far, and the line of each.
using Addresses = std::map<std::string, int>;

// Reads an address that must not be in use yet, and adds it to `taken`.
ListenAddress ParseListenAddress(const Field& field, Addresses& taken);

ListenerTls ParseListenerTls(Field field, const std::filesystem::path& folder);
std::optional<Admin> ParseAdmin(Field field, const std::filesystem::path& folder, Addresses& taken);

// `folder` is the base of relative file paths.
std::vector<Listener> ParseListeners(const Field& field, const std::filesystem::path& folder,
                                     Addresses& taken);
std::map<std::string, Backend> ParseBackends(const Field& field,
                                             const std::filesystem::path& folder);
// Reads how servers are connected to: the timeouts, TLS and so on. `backend.relay` and its servers
// are known; without servers it is of a resolver, whose answers may have any scheme of that relay.
void ParseServerSettings(Field& field, Backend& backend, const std::filesystem::path& folder);
// The keys of a backend that say how its servers are chosen, and when they are not.
void ParseBalancing(Field& field, const std::filesystem::path& folder, Backend& backend);
// Those that say how servers are checked, and what happens when one fails.
void ParseHealth(Field& field, Backend& backend);
// True if the name of a server stands for several.
bool HasNames(const Backend& backend);
// The value of a route's key `resolver`, and the part of its options that is the gateway's own.
std::shared_ptr<const Resolver> ParseResolver(const Field& name, Field options,
                                              const std::filesystem::path& folder);
std::map<std::string, Authenticator> ParseAuth(const Field& field);
// Reports authenticators by certificates where no listener asks clients for any.
void RejectUselessCertificates(const Field& field,
                               const std::map<std::string, Authenticator>& known,
                               const std::vector<Listener>& listeners);
// The value of a route's key `auth`: a name, a list of names, or a map with `use`.
std::optional<RouteAuth> ParseRouteAuth(Field field,
                                        const std::map<std::string, Authenticator>& known);
// True for a code that an endpoint may send (RFC 6455, section 7.4) and clients take for no fault.
bool IsCloseCode(std::uint16_t code);
std::vector<Route> ParseRoutes(const Field& field, const std::map<std::string, Backend>& backends,
                               const std::map<std::string, Authenticator>& auth,
                               const std::vector<Listener>& listeners,
                               const std::filesystem::path& folder);
// Addresses and blocks; the word "unix" stands for peers on unix sockets.
AddressSet ParseAddressSet(const Field& field);
// The map with `allow` and `deny`; lets everybody in if the field is not present.
Access ParseAccess(Field field);
// A map with `rate` and `burst`; no limit if the field is not present.
Rate ParseRate(Field field);
RouteLimits ParseLimits(Field field);
// true, or a map of settings; nullopt for false and if not present.
std::optional<HttpCompression> ParseHttpCompression(Field field);
// True if a route or a listener may be given this name.
bool IsRouteName(std::string_view name);
// A name; empty if the field is not present.
std::string ParseName(const Field& field);
// What a route requires in addition to host and path.
Conditions ParseMatch(Field field, const std::vector<Listener>& listeners, RegexBudget& regexes);
// The keys of a route that change requests to servers, and responses. `cors`: it has such a block.
Rewriting ParseRewriting(Field& route, const PathPattern& path, bool cors, RegexBudget& regexes);
// Protocols that servers may switch to, in lower case.
std::vector<std::string> ParseUpgrades(const Field& field);
// A list of methods; the usual ones must be in upper case.
std::vector<std::string> ParseMethods(const Field& field);
std::optional<Cors> ParseCors(Field field);
// A list of dialects; nullopt if the field is not present.
std::optional<DialectSet> ParseDialects(const Field& field);
// true, or a map of settings; nullopt for false and if not present.
std::optional<Compression> ParseCompression(Field field, const Compression& defaults);
// Bytes, divided among the workers; 0: no compression. `workers`: 0 for one per core.
std::uint64_t ParseCompressionMemory(const Field& field, std::uint64_t fallback,
                                     std::size_t workers);

// A required file path.
FilePath ParseFilePath(const Field& field, const std::filesystem::path& folder);
// The keys `cert` and `key`.
Certificate ParseCertificate(Field field, const std::filesystem::path& folder);

}  // namespace upgate::config

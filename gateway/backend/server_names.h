#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/address.h"
#include "gateway/base/srv_record.h"
#include "gateway/config/config.h"

namespace upgate::backend {

// The servers that a name stands for: those of a server with `resolve: each`, or of an SRV name.
// The key is the name of the backend and the server's URL as configured. A name that has not been
// looked up yet is missing.
using NameKey = std::pair<std::string, std::string>;
using ServersOfNames = std::map<NameKey, std::vector<config::Server>>;

// True if a server of the backend stands for others.
bool HasNames(const config::Backend& backend);

// One server for each address, in the order of their text. Each has the settings of `named`, and
// connects to that address only; with TLS it is still expected to be the host of `named`.
std::vector<config::Server> ServersAt(const config::Server& named,
                                      const std::vector<Ip>& addresses);
// One server for each target that is a host name, which is what its certificate must be for.
// Priorities become tiers, weights are scaled to those of servers. Empty if the service is
// decidedly not available (RFC 2782: a target of ".").
std::vector<config::Server> ServersAt(const config::Server& named,
                                      const std::vector<SrvRecord>& records);

// The backend with the servers that its names stand for in their place. A name of which nothing is
// known stays as it is.
config::Backend Expand(const config::Backend& configured, const ServersOfNames& names);

// True if both lists have the same servers in the same order, with the same shares.
bool AreTheSame(const std::vector<config::Server>& a, const std::vector<config::Server>& b);

}  // namespace upgate::backend

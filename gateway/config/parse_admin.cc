#include <utility>

#include "gateway/config/sections.h"

namespace upgate::config {
namespace {

std::vector<HostPattern> ParseNames(const Field& field) {
  std::vector<HostPattern> names;
  for (const Field& item : field.Items()) {
    if (item.value().scalar == "*") {
      item.Refuse({"would open the admin address to pages of any site", "list its own names"}, "");
    } else if (auto name = item.Maybe<HostPattern>()) {
      names.push_back(std::move(*name));
    }
  }
  return names;
}

}  // namespace

std::optional<Admin> ParseAdmin(Field field, const std::filesystem::path& folder,
                                Addresses& taken) {
  if (!field.present()) return {};
  Admin admin;
  const Field address = field["address"];
  admin.address = ParseListenAddress(address, taken);
  const Field token_file = field["token_file"];
  if (token_file.present()) {
    admin.token_file = ParseFilePath(token_file, folder);
  } else if (address.present() && address.sound() && !admin.address.IsLocal()) {
    address.Refuse({"can be reached from other machines",
                    "add token_file, a file with one token per line, or use 127.0.0.1 or a unix "
                    "socket"},
                   "");
  }
  admin.hosts = ParseNames(field["hosts"]);
  if (const Field tls = field["tls"]; tls.present()) admin.tls = ParseListenerTls(tls, folder);
  field.RejectUnknownKeys();
  return admin;
}

}  // namespace upgate::config

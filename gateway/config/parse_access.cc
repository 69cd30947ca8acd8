#include "gateway/config/sections.h"

namespace upgate::config {

AddressSet ParseAddressSet(const Field& field) {
  AddressSet set;
  for (const Field& item : field.Items()) {
    if (item.value().scalar == "unix") {
      set.unix_sockets = true;
    } else if (const auto block = item.Maybe<Cidr>()) {
      set.blocks.push_back(*block);
    }
  }
  return set;
}

Access ParseAccess(Field field) {
  Access access;
  if (!field.present()) return access;
  const Field allow = field["allow"];
  const Field deny = field["deny"];
  if (allow.present()) access.allow = ParseAddressSet(allow);
  access.deny = ParseAddressSet(deny);
  field.RejectUnknownKeys();
  if (!field.sound()) return access;
  if (allow.present() && access.allow->empty()) {
    allow.Error("is an empty list, so nobody could come in; list the addresses that may");
  } else if (access.empty()) {
    field.Error(
        "restricts nobody; list addresses or blocks, such as allow: [ 10.0.0.0/8 ] or "
        "deny: [ 192.0.2.7 ]");
  }
  return access;
}

}  // namespace upgate::config

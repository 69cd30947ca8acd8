#include "gateway/base/client_counts.h"

namespace upgate {

std::optional<ClientCounts::Taken> ClientCounts::TryTake(const ClientKey& key) {
  const std::uint64_t most = this->most();
  if (most == kNone) return Taken();
  Shard& shard = shards_[hash_(key) % kShards];
  const std::lock_guard lock(shard.mutex);
  const auto [it, fresh] = shard.nodes.try_emplace(key);
  Node& node = it->second;
  if (fresh) {
    node.shard = &shard;
    node.key = key;
  }
  if (node.count >= most) {
    if (node.count == 0) shard.nodes.erase(it);
    return {};
  }
  ++node.count;
  return Taken(node);
}

void ClientCounts::GiveBack(Node& node) {
  Shard& shard = *node.shard;
  const std::lock_guard lock(shard.mutex);
  if (--node.count > 0) return;
  const ClientKey key = node.key;  // not in the node, which is destroyed
  shard.nodes.erase(key);
}

std::size_t ClientCounts::clients() const {
  std::size_t clients = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    clients += shard.nodes.size();
  }
  return clients;
}

}  // namespace upgate

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "gateway/base/client_key.h"

namespace upgate {

// Counts what each client has open (connections, sessions) under one limit that all loops share.
// Has memory only for clients that have something open. Thread-safe: one of a few locks for each
// TryTake and each release; without a limit none.
class ClientCounts {
  struct Node;

 public:
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  // One of a client's; counted until it is destroyed. Not thread-safe.
  class Taken {
   public:
    Taken() = default;
    Taken(Taken&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
    Taken& operator=(Taken&& other) noexcept {
      std::swap(node_, other.node_);
      return *this;
    }
    ~Taken() {
      if (node_ != nullptr) GiveBack(*node_);
    }

   private:
    friend class ClientCounts;
    explicit Taken(Node& node) : node_(&node) {}
    Node* node_ = nullptr;
  };

  explicit ClientCounts(std::uint64_t most = kNone) : most_(most) {}
  ClientCounts(const ClientCounts&) = delete;
  ClientCounts& operator=(const ClientCounts&) = delete;

  // What is open stays. What was opened while there was no limit is not counted.
  void SetMost(std::uint64_t most) { most_.store(most, std::memory_order_relaxed); }
  std::uint64_t most() const { return most_.load(std::memory_order_relaxed); }

  // nullopt if the client has as many as it may. The counts must outlive what is taken.
  std::optional<Taken> TryTake(const ClientKey& key);

  // The number of clients that have something open.
  std::size_t clients() const;

 private:
  static constexpr std::size_t kShards = 16;

  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<ClientKey, Node, ClientHash> nodes;
  };
  struct Node {
    Shard* shard = nullptr;
    ClientKey key;
    std::uint64_t count = 0;
  };

  static void GiveBack(Node& node);

  std::atomic<std::uint64_t> most_;
  ClientHash hash_;
  std::array<Shard, kShards> shards_;
};

}  // namespace upgate

#pragma once

namespace upgate {

// Overload set for std::visit: std::visit(Match{[](A&) {...}, [](B&) {...}}, variant).
template <class... Fs>
struct Match : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Match(Fs...) -> Match<Fs...>;

}  // namespace upgate

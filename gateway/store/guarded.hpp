#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace sl::store {

// `function`, but nothing at all once `alive` is gone: answers of the threads and timers outlive the store.
template <typename F>
auto guarded(const std::shared_ptr<char>& alive, F function) {
    return [token = std::weak_ptr<char>{alive},
            function = std::move(function)]<typename... A>(A&&... arguments) {
        if (token.expired()) return;
        if constexpr (std::is_constructible_v<bool, const F&>) {
            if (!static_cast<bool>(function)) return;
        }
        function(std::forward<A>(arguments)...);
    };
}

}  // namespace sl::store

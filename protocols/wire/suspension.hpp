// A place where coroutines wait until somebody resumes them. Only for .cpp files and tests: it needs Asio.
#pragma once

#include <deque>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sl::wire {

// Waiting coroutines are owned by this object: destroying it destroys them. Resumption goes through the
// reactor, so that it never nests on the stack of the one who resumes.
class Suspension {
  public:
    enum class Place { back, front };

    bool empty() const noexcept { return waiting_.empty(); }

    boost::asio::awaitable<void> wait(Place place = Place::back) {
        const auto store = [this, place](Handler handler) {
            if (place == Place::front) {
                waiting_.push_front(std::move(handler));
            } else {
                waiting_.push_back(std::move(handler));
            }
        };
        return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
            store, boost::asio::use_awaitable);
    }
    // Resumes who has waited longest; false when nobody waits.
    bool resume_one() {
        if (waiting_.empty()) {
            return false;
        }
        auto handler = std::move(waiting_.front());
        waiting_.pop_front();
        boost::asio::post(std::move(handler));
        return true;
    }
    void resume_all() {
        while (resume_one()) {
        }
    }

  private:
    using Handler = boost::asio::async_result<boost::asio::use_awaitable_t<>, void()>::handler_type;
    std::deque<Handler> waiting_;
};

}  // namespace sl::wire

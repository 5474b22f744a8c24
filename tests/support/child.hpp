// A process that a test needs beside itself: started with pipes, read line by line, ended by its number.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

extern char** environ;

namespace sl::test {

class Child {
  public:
    // Its standard output and error come to us as one stream; its standard input stays open while we live.
    explicit Child(std::vector<std::string> arguments) {
        int out[2] = {-1, -1};
        int in[2] = {-1, -1};
        if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(in, O_CLOEXEC) != 0) {
            ADD_FAILURE() << "no pipe";
            return;
        }
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, in[0], 0);
        ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
        ::posix_spawn_file_actions_adddup2(&actions, out[1], 2);
        std::vector<char*> argv;
        for (auto& argument : arguments) {
            argv.push_back(argument.data());
        }
        argv.push_back(nullptr);
        if (::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ) != 0) {
            ADD_FAILURE() << "cannot start " << arguments[0];
            pid_ = -1;
        }
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(out[1]);
        ::close(in[0]);
        output_ = out[0];
        input_ = in[1];
    }
    ~Child() {
        end();
        ::close(output_);
        ::close(input_);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    // Waits for a line that contains `mark` and gives what follows it; empty when the process ended first.
    std::string line_after(const std::string& mark) {
        std::string line;
        char c = 0;
        while (::read(output_, &c, 1) == 1) {
            if (c != '\n') {
                line += c;
                continue;
            }
            const auto at = line.find(mark);
            if (at != std::string::npos) {
                return line.substr(at + mark.size());
            }
            seen_ += line + "\n";
            line.clear();
        }
        ADD_FAILURE() << "no line with '" << mark << "' in:\n" << seen_;
        return {};
    }
    void end() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
            pid_ = -1;
        }
    }

  private:
    pid_t pid_ = -1;
    int output_ = -1, input_ = -1;
    std::string seen_;
};

}  // namespace sl::test

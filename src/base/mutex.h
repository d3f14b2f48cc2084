#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

// A mutex that clang's -Wthread-safety understands; libstdc++'s own carries no annotations.

#if defined(__clang__)
#define PATIENT_HTTP_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define PATIENT_HTTP_THREAD_ANNOTATION(x)
#endif

#define CAPABILITY(x) PATIENT_HTTP_THREAD_ANNOTATION(capability(x))
#define SCOPED_CAPABILITY PATIENT_HTTP_THREAD_ANNOTATION(scoped_lockable)
#define GUARDED_BY(x) PATIENT_HTTP_THREAD_ANNOTATION(guarded_by(x))
#define REQUIRES(...) PATIENT_HTTP_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) PATIENT_HTTP_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define RELEASE(...) PATIENT_HTTP_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define EXCLUDES(...) PATIENT_HTTP_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS PATIENT_HTTP_THREAD_ANNOTATION(no_thread_safety_analysis)

namespace patient_http::base {

class CAPABILITY("mutex") Mutex {
 public:
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() RELEASE() { mutex_.unlock(); }

  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits release and take the mutex again. Spurious wake-ups happen: wait in a loop.
class CondVar {
 public:
  void wait(Mutex& mutex) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // False when the time came first.
  bool wait_until(Mutex& mutex, std::chrono::steady_clock::time_point deadline) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    const bool notified = condition_.wait_until(lock, deadline) == std::cv_status::no_timeout;
    lock.release();
    return notified;
  }
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace patient_http::base

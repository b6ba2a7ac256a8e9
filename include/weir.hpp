/* The pools of weir.h in C++17: a pool, a lease that returns itself, and memory for the
 * containers of std::pmr. man 3 weir_pool says what the calls do.
 *
 * A pool disposes of itself, a lease returns its block: each has one owner, moves and is not
 * copied, and is empty once it was moved from. A lease may outlive its pool. A memory_resource
 * refers to its pool, and neither owns nor outlives it. Like weir.h's functions, those of a pool
 * may be called by any number of threads at once; an object is moved and destroyed by one. */
#ifndef WEIR_HPP
#define WEIR_HPP

#include "weir.h"

#include <cerrno>
#include <cstddef>
#include <memory_resource>
#include <new>
#include <system_error>
#include <utility>

namespace weir
{

namespace detail
{

[[noreturn]] inline void fail(int error, const char *what)
{
	if (error == ENOMEM)
		throw std::bad_alloc();
	throw std::system_error(error, std::generic_category(), what);
}

inline void check(int error, const char *what)
{
	if (error != 0)
		fail(error, what);
}

} // namespace detail

/* A leased block, or none. Give it to the thread that needs it; it goes back from any. */
class lease
{
public:
	lease() noexcept = default;
	/* Throws std::bad_alloc, and std::system_error for what cannot be (EINVAL). */
	lease(struct weir_pool *pool, std::size_t bytes, unsigned flags = 0)
	    : pool_(pool), data_(weir_lease(pool, bytes, flags))
	{
		if (data_ == nullptr)
			detail::fail(errno, "weir_lease");
	}
	lease(lease &&other) noexcept : pool_(other.pool_), data_(other.release()) {}
	lease &operator=(lease &&other) noexcept
	{
		lease taken(std::move(other));

		std::swap(pool_, taken.pool_);
		std::swap(data_, taken.data_);
		return *this;
	}
	~lease() { reset(); }

	void *data() const noexcept { return data_; }
	/* What may be used: at least what was asked for; 0 of an empty one. */
	std::size_t size() const noexcept { return weir_lease_size(data_); }
	explicit operator bool() const noexcept { return data_ != nullptr; }

	/* The block, which the caller is to return from now on (weir_return). */
	void *release() noexcept { return std::exchange(data_, nullptr); }
	/* Returns it now. */
	void reset() noexcept
	{
		if (data_ != nullptr)
			weir_return(pool_, release());
	}

private:
	struct weir_pool *pool_ = nullptr;
	void *data_ = nullptr;
};

/* A pool, or none. Calls on an empty one throw std::system_error or, where they say noexcept,
 * do nothing. */
class pool
{
public:
	/* Throws std::bad_alloc, and std::system_error: EINVAL, EAGAIN. */
	explicit pool(const weir_pool_options &options) : handle_(weir_pool_create(&options))
	{
		if (handle_ == nullptr)
			detail::fail(errno, "weir_pool_create");
	}
	explicit pool(weir_preset preset = WEIR_PRESET_DEFAULT, const char *name = nullptr)
	    : pool(named(weir_pool_preset(preset), name))
	{
	}
	pool(pool &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
	pool &operator=(pool &&other) noexcept
	{
		pool taken(std::move(other));

		std::swap(handle_, taken.handle_);
		return *this;
	}
	~pool() { dispose(); }

	/* For the functions of weir.h. */
	struct weir_pool *handle() const noexcept { return handle_; }
	explicit operator bool() const noexcept { return handle_ != nullptr; }

	weir::lease lease(std::size_t bytes, unsigned flags = 0)
	{
		return { open(), bytes, flags };
	}
	/* What is kept goes back to the system; its bytes. */
	std::size_t release() noexcept
	{
		return handle_ != nullptr ? weir_pool_release(handle_) : 0;
	}
	void set_limit(std::size_t bytes)
	{
		detail::check(weir_pool_set_limit(open(), bytes), "weir_pool_set_limit");
	}
	weir_pool_figures figures() const
	{
		weir_pool_figures figures = {};

		detail::check(weir_pool_stats(open(), &figures), "weir_pool_stats");
		return figures;
	}
	/* What is leased, as text. */
	void report(int fd) const
	{
		detail::check(weir_pool_report(open(), fd), "weir_pool_report");
	}
	/* Now, instead of at the end; how many blocks are still leased. The pool is empty then. */
	std::size_t dispose() noexcept
	{
		struct weir_pool *handle = std::exchange(handle_, nullptr);

		return handle != nullptr ? weir_pool_dispose(handle) : 0;
	}

private:
	static weir_pool_options named(weir_pool_options options, const char *name) noexcept
	{
		options.name = name;
		return options;
	}
	struct weir_pool *open() const
	{
		if (handle_ == nullptr)
			detail::fail(EINVAL, "weir::pool");
		return handle_;
	}

	struct weir_pool *handle_;
};

/* Memory out of a pool, for what takes a std::pmr::memory_resource. Requests of fewer than
 * `least` bytes go to `upstream`: a lease has pages of its own. A pool with blocks of one size
 * takes less; what does not fit its blocks is refused (std::bad_alloc). */
class memory_resource : public std::pmr::memory_resource
{
public:
	explicit memory_resource(
		pool &pool, std::size_t least = 65536,
		std::pmr::memory_resource *upstream = std::pmr::get_default_resource()) noexcept
	    : pool_(pool.handle()), least_(least), upstream_(upstream)
	{
	}

private:
	void *do_allocate(std::size_t bytes, std::size_t alignment) override
	{
		void *block;

		if (bytes < least_)
			return upstream_->allocate(bytes, alignment);
		block = weir_lease(pool_, bytes != 0 ? bytes : 1, WEIR_ALIGN(alignment));
		if (block == nullptr)
			throw std::bad_alloc();
		return block;
	}
	void do_deallocate(void *block, std::size_t bytes, std::size_t alignment) override
	{
		if (bytes < least_)
			upstream_->deallocate(block, bytes, alignment);
		else
			weir_return(pool_, block);
	}
	bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override
	{
		return this == &other;
	}

	struct weir_pool *pool_;
	std::size_t least_;
	std::pmr::memory_resource *upstream_;
};

} // namespace weir

#endif

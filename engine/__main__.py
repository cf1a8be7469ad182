"""`python -m engine`: the command line."""

if __name__ == "__main__":
    import os

    # The learner is started as a fresh program, so grpc need not watch forks, nor warn of them. It reads this when
    # it is imported.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    # grpc's newer way to listen hands what it reads from thread to thread; the older one takes a fifth less CPU.
    os.environ.setdefault("GRPC_EXPERIMENTS", "-event_engine_listener")
    # Nothing here multiplies matrices that are worth more than one thread, and workers are forked.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

    from engine.commands import main

    main()

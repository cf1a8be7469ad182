"""`python -m engine`: the command line."""

if __name__ == "__main__":
    import os

    # The learner is started as a fresh program, so grpc need not watch forks, nor warn of them. It reads this when
    # it is imported.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

    from engine.commands import main

    main()

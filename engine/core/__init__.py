"""The pure domain: arms, contexts, policies, rules, drawing, outcomes and their join. No file, socket or clock."""
